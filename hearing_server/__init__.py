"""Online hearings and case spaces of a court: the court floors."""
