/**
 * Teaches dynalite `ReturnValuesOnConditionCheckFailure`, which it lacks: a failed condition answers with the item that
 * failed it, as it was then, or without one where there was none. Source: DynamoDB's API reference, PutItem,
 * UpdateItem and DeleteItem, and ConditionalCheckFailedException. It holds for every dynalite of the process.
 */
import db from 'dynalite/db/index.js';
import deleteItem from 'dynalite/validations/deleteItem.js';
import putItem from 'dynalite/validations/putItem.js';
import updateItem from 'dynalite/validations/updateItem.js';

const PARAMETER = 'ReturnValuesOnConditionCheckFailure';

// It drops the parameters that it does not know.
for (const { types } of [deleteItem, putItem, updateItem]) {
  types[PARAMETER] = { type: 'String', enum: ['ALL_OLD', 'NONE'] };
}

// Called with the item's lock held, so that the item is the one that was judged.
const { checkConditional } = db;
db.checkConditional = (request, item) => {
  const failure = checkConditional(request, item);
  if (failure && item && request[PARAMETER] === 'ALL_OLD') failure.body.Item = item;
  return failure;
};
