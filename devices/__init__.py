"""What machine this is. Standard library only; nothing above this floor may be imported."""

from .host import Host, this_host

__all__ = ["Host", "this_host"]
