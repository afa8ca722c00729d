"""The contract on Flask, for its development server and for gunicorn."""

import random

from flask import Flask, request

CURRENCIES = {"EUR", "USD", "DKK", "SEK", "GBP"}

app = Flask(__name__)


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


@app.get("/health")
def health():
    return {"status": "ok"}


@app.post("/api/v1/charge")
def charge():
    body = request.get_json()  # Answers 415 and 400 by itself.
    if (
        not isinstance(body, dict)
        or body.get("currency") not in CURRENCIES
        or not is_number(body.get("value"))
        or body["value"] <= 0
        or not isinstance(body.get("customer_id"), int)
        or body["customer_id"] <= 0
    ):
        return {"message": "not a charge"}, 400
    return {"result": random.random() < 0.5}
