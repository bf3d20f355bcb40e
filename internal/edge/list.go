package edge

// List is the parameters of an operation that answers a list page by page.
type List struct {
	PageSize  int    `query:"pageSize" default:"50" minimum:"0" doc:"How many to return at most. 0 is the default; more than 1000 is taken as 1000."`
	PageToken string `query:"pageToken" maxLength:"4096" doc:"The nextPageToken of the page before, with the other parameters as they were. Empty for the first page."`
}

const (
	defaultPageSize = 50
	maxPageSize     = 1000
)

// Size returns how many to return at most.
func (l List) Size() int {
	if l.PageSize == 0 {
		return defaultPageSize
	}
	return min(l.PageSize, maxPageSize)
}
