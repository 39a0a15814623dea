"""The only door out: may this order leave?"""
