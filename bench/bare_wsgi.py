"""What granian loads for the bare application: `granian --interface wsgi bench.bare_wsgi:application`."""

import os

from bench.bare import create_bare

application = create_bare(os.environ.get("BENCH_DATABASE"))
