"""Texts: all that people are told on papers and in messages, a file for each language.

A text has the same name and the same blanks in every language. What a driver is told comes in the first of these that
there is: the driver's own language, that of the operator, English.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from importlib import import_module


class Text(StrEnum):
    """A text's name; what it says in each language stands in that language's file."""

    RECEIPT = "receipt"
    INVOICE_AND_RECEIPT = "invoice_and_receipt"
    TAX_INVOICE = "tax_invoice"
    REFUND_NOTE = "refund_note"
    INVOICE = "invoice"
    CREDIT_NOTE = "credit_note"
    BUYER = "buyer"
    BUYER_REFERENCE = "buyer_reference"
    SUPPLIED = "supplied"
    PREPAID = "prepaid"
    NUMBER = "number"
    DATE_OF_ISSUE = "date_of_issue"
    SUPPLY = "supply"
    CHARGING = "charging"
    SITE = "site"
    CHARGER = "charger"
    CONNECTOR = "connector"
    SESSION = "session"
    START = "start"
    STOP = "stop"
    METER_AT_START = "meter_at_start"
    METER_AT_STOP = "meter_at_stop"
    ENERGY = "energy"
    TIME = "time"
    PARKING_TIME = "parking_time"
    FLAT = "flat"
    RESERVATION_TIME = "reservation_time"
    RESERVATION_FEE = "reservation_fee"
    EXPIRED_RESERVATION_TIME = "expired_reservation_time"
    EXPIRED_RESERVATION_FEE = "expired_reservation_fee"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    CHARGES = "charges"
    TAXES = "taxes"
    WHAT = "what"
    QUANTITY = "quantity"
    PRICE = "price"
    AMOUNT_WITH_TAX = "amount_with_tax"
    AMOUNT_BEFORE_TAX = "amount_before_tax"
    TAX_RATE = "tax_rate"
    NET = "net"
    GROSS = "gross"
    TOTAL = "total"
    PAID = "paid"
    PAID_WITH = "paid_with"
    WAIVED = "waived"
    WRITTEN_OFF = "written_off"
    DUE = "due"
    REFUNDED = "refunded"
    REFUND_FAILED = "refund_failed"
    REFUND = "refund"
    REFUND_TO = "refund_to"
    REFERS_TO = "refers_to"
    RECEIPT_OF = "receipt_of"
    REFUND_VOID = "refund_void"
    TAX_INCLUDED = "tax_included"
    NO_TAX = "no_tax"
    RENEWABLE = "renewable"
    CARBON = "carbon"
    SAVED_MONEY = "saved_money"
    SAVED_CARBON = "saved_carbon"
    FOOTPRINT_SOURCE = "footprint_source"
    OPERATOR = "operator"
    VAT = "vat"
    GST = "gst"
    SALES_TAX = "sales_tax"
    TAX = "tax"
    VAT_ID = "vat_id"
    TAX_ID = "tax_id"
    NOTICE_STARTED = "notice_started"
    NOTICE_CHARGE_PLANNED = "notice_charge_planned"
    NOTICE_PLAN_CHANGED = "notice_plan_changed"
    NOTICE_ALMOST_FULL = "notice_almost_full"
    NOTICE_IDLE_FEE_BEGINS = "notice_idle_fee_begins"
    NOTICE_FINISHED = "notice_finished"
    NOTICE_PAYMENT_FAILED = "notice_payment_failed"
    NOTICE_RECEIPT_READY = "notice_receipt_ready"
    NOTICE_REFUNDED = "notice_refunded"
    NOTICE_REFUND_FAILED = "notice_refund_failed"
    NOTICE_CARD_EXPIRES = "notice_card_expires"
    NOTICE_BILL_CORRECTED = "notice_bill_corrected"
    NOTICE_TOKEN_ISSUED = "notice_token_issued"  # noqa: S105
    NOTICE_CONNECTOR_FREE = "notice_connector_free"
    NOTICE_POWER_WAITS = "notice_power_waits"
    NOTICE_POWER_AT_RISK = "notice_power_at_risk"
    NOTICE_DISPUTE_OPENED = "notice_dispute_opened"
    NOTICE_DISPUTE_ANSWERED = "notice_dispute_answered"
    NOTICE_CAR_LINK_BROKEN = "notice_car_link_broken"
    NOTICE_CAR_PLANNED = "notice_car_planned"
    NOTICE_CAR_PLAN_CHANGED = "notice_car_plan_changed"
    NOTICE_CAR_AT_RISK = "notice_car_at_risk"
    NOTICE_CAR_UNPLUGGED_EARLY = "notice_car_unplugged_early"
    NOTICE_TOKEN = "notice_token"  # noqa: S105
    NOTICE_PLACE = "notice_place"
    NOTICE_WHERE = "notice_where"
    INVITATION_SUBJECT = "invitation_subject"
    INVITATION = "invitation"
    ROLE_OWNER = "role_owner"
    ROLE_TECHNICIAN = "role_technician"
    ROLE_FINANCE = "role_finance"
    ROLE_SUPPORT = "role_support"
    ROLE_READ_ONLY = "role_read_only"


def text(name: Text, language: str, **blanks: object) -> str:
    """A text in a language of `chalicelib.domain.languages.LANGUAGES`, its blanks filled."""
    return texts(language)[name].format(**blanks)


def texts(language: str) -> Mapping[Text, str]:
    """All texts of a language, whose file is read when it is first spoken."""
    found: Mapping[Text, str] = import_module(f"{__name__}.{language}").TEXTS
    return found
