"""The canary: a synthetic charger and driver that charge on free terms each five minutes, as anybody outside would.

It knows the public API and OCPP's frames and nothing else of Kerb, so that no fault of ours hides itself from it: no
module here imports one of another room, and none imports these. It has rights to nothing in AWS.
"""
