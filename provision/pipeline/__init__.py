"""One module per verb: joins the stages. Knows nothing of terminals."""
