"""What has happened in a case and what somebody must do next."""
