"""A Proxmox node to rehearse on: its API is fakepve in its own process, its containers are real guests of this machine.

Everything in here is a stand-in and is named so where results are shown.
"""
