"""What functions-framework loads: both signatures of the function that TIDEMILL_FUNCTION names."""

import functions_framework

from core.hosts import google_functions

http = functions_framework.http(google_functions.http)
event = functions_framework.cloud_event(google_functions.event)
