"""Channels to people: e-mail, web push, signed calls to gateways for SMS, WeChat and voice, and the simulator."""
