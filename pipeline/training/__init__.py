"""Trains and evaluates the model that emotions are judged by."""
