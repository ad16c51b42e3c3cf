"""Side effects on the controller: workspace, lock, secrets, and Ansible."""
