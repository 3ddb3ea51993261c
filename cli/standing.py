"""What stands whatever the fleet, and how long rows do; held to the template and the code by tests/cli/test_cost.py."""

from __future__ import annotations

# What the code counts, each with as many values as its dimensions take; API Gateway's and Lambda's own cost nothing.
METRICS = {
    "ChargersRefused": 4,
    "EdgePassedBy": 1,
    "LooksFailed": 1,
    "MailsFailed": 1,
    "NoticesGivenUp": 1,
    "PlansFailed": 1,
    "SessionsCompleted": 1,
    "SessionsFailed": 17,
    "SignalsFailed": 1,
    "StartCommand": 1,
}
# What filters count in logs.
LOG_METRICS = {"ApiRefused": 1, "ApiThrottled": 1}
# A month of each.
FIXED = {
    "alarm_month": 137,  # each figure that an alarm looks at counts
    "joined_alarm_month": 8,
    "dashboard_month": 1,
    "metric_month": sum(METRICS.values()) + sum(LOG_METRICS.values()),
    "waf_acl_month": 2,
    "waf_rule_month": 7,
    "kms_key_month": 2,
    "secret_month": 7,
}
CANARY_FIXED = {"alarm_month": 2, "secret_month": 1}
# How long rows live before they expire by themselves; tables not named here keep them, and are shown after a year.
KEPT_DAYS = {
    "connections": 1,
    "idempotency": 1,
    "calls": 7,
    "journal": 30,
    "history": 400,
    "readings": 400,
    "audit": 400,
    "viewers": 1,
}
# Each table's key is asked for by whoever uses it: tables in all, summed over the functions that may use them, and over
# those of them that are a session's steps.
TABLES, TABLES_OF_FUNCTIONS, TABLES_OF_STEPS = 35, 327, 66
# A queue that calls a function is asked for messages all month, by five at once, 20 s each.
QUEUES_READ = 7
