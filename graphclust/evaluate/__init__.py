"""Judging clusterings: the only room where labels meet the truth."""
