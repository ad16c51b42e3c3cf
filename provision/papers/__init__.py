"""EU AI Act and GDPR papers: what the plan, the receipt, the locks, the policy and the audit log say, and what not."""
