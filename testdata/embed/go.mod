module example.com/embed

go 1.26.0

require (
	github.com/spf13/afero v1.15.0
	sluice v0.0.0
)

replace sluice => ../..
