"""Tests of the robots' own parts."""
