"""python -m decision_layer"""

from __future__ import annotations

import sys

from decision_layer.cli import main

sys.exit(main())
