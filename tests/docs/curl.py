"""`curl` for machines that have none: as much of it as the documentation uses."""

import argparse
import sys
import urllib.error
import urllib.request

parser = argparse.ArgumentParser()
parser.add_argument("-s", action="store_true")
parser.add_argument("-H", dest="headers", action="append", default=[])
parser.add_argument("-d", dest="data")
parser.add_argument("url")
arguments = parser.parse_args()

body = None if arguments.data is None else arguments.data.encode()
headers = {"content-type": "application/x-www-form-urlencoded"} if body else {}
headers |= dict(header.split(": ", 1) for header in arguments.headers)
try:
    answer = urllib.request.urlopen(urllib.request.Request(f"http://{arguments.url}", body, headers))
except urllib.error.HTTPError as error:
    answer = error
sys.stdout.write(answer.read().decode())
