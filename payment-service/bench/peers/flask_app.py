"""The contract on Flask, for its development server and for gunicorn."""

import random

from flask import Flask, request

CURRENCIES = {"EUR", "USD", "DKK", "SEK", "GBP"}

app = Flask(__name__)


@app.get("/health")
def health():
    return {"status": "ok"}


@app.post("/api/v1/charge")
def charge():
    body = request.get_json()  # Answers 415 and 400 by itself.
    body = body if isinstance(body, dict) else {}
    value, customer = body.get("value"), body.get("customer_id")
    # By type, as True is an int as well.
    is_charge = type(value) in (int, float) and type(customer) is int
    if body.get("currency") in CURRENCIES and is_charge and value > 0 and customer > 0:
        return {"result": random.random() < 0.5}
    return {"message": "not a charge"}, 400
