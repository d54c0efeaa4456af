"""What machine this is, and what others are like. Nothing above this floor may be imported.

Standard library only, and tomli on Python 3.10.
"""

from .host import Host, this_host
from .profile import DeviceFigure, DeviceProfile, ProfileError, device_names, device_profile

__all__ = ["DeviceFigure", "DeviceProfile", "Host", "ProfileError", "device_names", "device_profile", "this_host"]
