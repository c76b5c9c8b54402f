"""Who somebody is: sign-in, sessions, codes, join links."""
