"""What machine this is, and what others are like. Nothing above this floor may be imported.

Standard library only, and tomli on Python 3.10. Few read the profiles of machines: they are imported when asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .host import Host, this_host

if TYPE_CHECKING:
    from .profile import DeviceFigure as DeviceFigure
    from .profile import DeviceProfile as DeviceProfile
    from .profile import Emulation as Emulation
    from .profile import ProfileError as ProfileError
    from .profile import device_names as device_names
    from .profile import device_profile as device_profile

__all__ = [
    "DeviceFigure",
    "DeviceProfile",
    "Emulation",
    "Host",
    "ProfileError",
    "device_names",
    "device_profile",
    "this_host",
]


def __getattr__(name: str) -> object:
    if name in __all__:
        from . import profile

        return getattr(profile, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
