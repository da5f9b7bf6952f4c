"""What a WSGI server loads: `granian --interface wsgi wsgi:application`."""

import atexit
import os

from wallet.starting import starting

with starting():
    from wallet.settings import Settings
    from wallet.web.app import create_app
    from wallet.web.logs import configure_logs
    from wallet.wiring import Wallet

    settings = Settings.from_environ(os.environ)
    configure_logs(settings)
    wallet = Wallet.build(settings)
    application = create_app(wallet)
wallet.publish_in_background()
atexit.register(wallet.publishing.stop)
if settings.jobs == "inside":
    wallet.runner.start()
    atexit.register(wallet.runner.stop)
