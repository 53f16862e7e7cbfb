"""Every channel there is, in the order in which lists show them."""

from collections.abc import Mapping
from types import MappingProxyType

from precog.channels.base import ChannelKind
from precog.channels.console import CONSOLE
from precog.channels.email import EMAIL
from precog.channels.file import FILE
from precog.channels.slack import SLACK
from precog.channels.sms import SMS
from precog.channels.webhook import WEBHOOK

_IN_ORDER = (CONSOLE, FILE, EMAIL, SMS, SLACK, WEBHOOK)
KINDS: Mapping[str, ChannelKind] = MappingProxyType({kind.name: kind for kind in _IN_ORDER})
