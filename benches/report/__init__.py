"""From the measured numbers to RESULTS.md, RESULTS.json and the charts."""
