"""From notebooks to reports: parameters, execution, rendering, index."""

import sys
from typing import Any, cast

# nbformat imports jsonschema, which builds 38 parsers of international addresses where it finds this package: seconds
# in every process, and no notebook has such an address. None has it go on as if the package were not installed.
cast(dict[str, Any], sys.modules).setdefault("rfc3987_syntax", None)
