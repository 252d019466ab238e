"""What functions-framework loads: both signatures of the function that TIDEMILL_FUNCTION names."""

import functions_framework

from core.hosts import google_functions

http = functions_framework.http(google_functions.http)  # type: ignore[arg-type]  # it wants Flask's own request
event = functions_framework.cloud_event(google_functions.event)
