"""The pages of the marking service: what students and staff see of a desk, behind JupyterHub's own login.

In: a `Desk`, and the environment that JupyterHub gives to a service. Out: a tornado application, or a server that runs
until it is told to stop. No page is shown, and nothing is done, without a look at who asks.
"""

from saiten.hub.web.app import make_application
from saiten.hub.web.door import House
from saiten.hub.web.serve import serve

__all__ = ["House", "make_application", "serve"]
