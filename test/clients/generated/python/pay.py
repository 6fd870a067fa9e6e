"""Makes one payment with the generated client, and is refused another of the same order."""

import json
import os
import urllib.request

from paytech_payments_client import Client
from paytech_payments_client.api.storefront import create_payment, get_payment
from paytech_payments_client.models import CreatedPayment, OrderWithoutToken, Payment, PaymentState, Problem

client = Client(base_url=os.environ["API_URL"])


def order(amount: str) -> OrderWithoutToken:
    return OrderWithoutToken(reference_id="order-python", amount=amount, currency="EUR")


created = create_payment.sync(client=client, body=order("999999999.123456789012345678"))
assert isinstance(created, CreatedPayment), created
assert created.state is PaymentState.CHECKOUT, created
request = urllib.request.Request(
    f"{os.environ['SIMULATOR_URL']}/simulator/payments/{created.id}/pay",
    data=b'{"state":"COMPLETED"}',
    headers={"content-type": "application/json"},
)
urllib.request.urlopen(request).close()

while True:
    payment = get_payment.sync(created.id, client=client)
    assert isinstance(payment, Payment), payment
    # One type says the state of whatever route has answered.
    if payment.state is PaymentState.COMPLETED:
        break
refusal = create_payment.sync(client=client, body=order("1"))
assert isinstance(refusal, Problem), refusal
print(json.dumps({"state": payment.state.value, "amount": payment.amount, "code": refusal.code.value}))
