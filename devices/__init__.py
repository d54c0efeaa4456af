"""What machine this is, and what others are like. Standard library only; nothing above this floor may be imported."""

from .host import Host, this_host
from .profile import DeviceFigure, DeviceProfile, ProfileError, device_names, device_profile

__all__ = ["DeviceFigure", "DeviceProfile", "Host", "ProfileError", "device_names", "device_profile", "this_host"]
