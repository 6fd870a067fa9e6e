/** The least that can be deployed: what a start costs when the code does nothing. */
export const handler = async () => ({ statusCode: 200, body: '{"received":true}' });
