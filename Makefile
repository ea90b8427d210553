# Every command is lossbook/environment.py's; without make: python3 lossbook/environment.py lab
PYTHON ?= python3
COURSE = $(PYTHON) lossbook/environment.py

.PHONY: lab setup test notebooks exercises bench clean
lab:        ## set up, then open JupyterLab at the first lesson [PORT=8899] [BROWSER=no]
	@$(COURSE) lab $(if $(PORT),--port "$(PORT)") $(if $(filter no,$(BROWSER)),--no-browser)
setup:      ## make .venv ready
	@$(COURSE) setup
test:       ## set up, then run every test [ARGS="-k entropy"]
	@$(COURSE) test $(ARGS)
notebooks:  ## run every notebook from a fresh kernel and store it, normalised
	@$(COURSE) notebooks $(ARGS)
exercises:  ## write exercises/ from solutions/
	@$(COURSE) exercises $(ARGS)
bench:      ## print the table of measurements
	@$(COURSE) bench $(ARGS)
clean:      ## remove .venv and all caches
	@$(COURSE) clean
