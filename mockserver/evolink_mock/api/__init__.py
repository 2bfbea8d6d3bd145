"""The endpoints of the documented operations, the checks of their requests, and the validation of bodies."""
