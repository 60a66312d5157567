package plan

// The status codes of responses (RFC 9110, 15). 460 is of tus.
const (
	statusOK                   = 200
	statusCreated              = 201
	statusNoContent            = 204
	statusPartialContent       = 206
	statusMultiStatus          = 207
	statusMovedPermanently     = 301
	statusSeeOther             = 303
	statusNotModified          = 304
	statusTemporaryRedirect    = 307
	statusBadRequest           = 400
	statusUnauthorized         = 401
	statusForbidden            = 403
	statusNotFound             = 404
	statusMethodNotAllowed     = 405
	statusRequestTimeout       = 408
	statusConflict             = 409
	statusPreconditionFailed   = 412
	statusContentTooLarge      = 413
	statusUnsupportedMediaType = 415
	statusRangeNotSatisfiable  = 416
	statusLocked               = 423
	statusTooManyRequests      = 429
	statusInternalServerError  = 500
	statusNotImplemented       = 501
	statusBadGateway           = 502
	statusServiceUnavailable   = 503
	statusGatewayTimeout       = 504
	statusChecksumMismatch     = 460
	statusInsufficientStorage  = 507
)

// statusTexts are worded as in package net/http.
var statusTexts = map[int]string{
	statusOK:                   "OK",
	statusCreated:              "Created",
	statusNoContent:            "No Content",
	statusPartialContent:       "Partial Content",
	statusMultiStatus:          "Multi-Status",
	statusMovedPermanently:     "Moved Permanently",
	statusSeeOther:             "See Other",
	statusNotModified:          "Not Modified",
	statusTemporaryRedirect:    "Temporary Redirect",
	statusBadRequest:           "Bad Request",
	statusUnauthorized:         "Unauthorized",
	statusForbidden:            "Forbidden",
	statusNotFound:             "Not Found",
	statusMethodNotAllowed:     "Method Not Allowed",
	statusRequestTimeout:       "Request Timeout",
	statusConflict:             "Conflict",
	statusPreconditionFailed:   "Precondition Failed",
	statusContentTooLarge:      "Request Entity Too Large",
	statusUnsupportedMediaType: "Unsupported Media Type",
	statusRangeNotSatisfiable:  "Requested Range Not Satisfiable",
	statusLocked:               "Locked",
	statusTooManyRequests:      "Too Many Requests",
	statusInternalServerError:  "Internal Server Error",
	statusNotImplemented:       "Not Implemented",
	statusBadGateway:           "Bad Gateway",
	statusServiceUnavailable:   "Service Unavailable",
	statusGatewayTimeout:       "Gateway Timeout",
	statusChecksumMismatch:     "Checksum Mismatch",
	statusInsufficientStorage:  "Insufficient Storage",
}

// StatusText returns the reason phrase of a status that a Response may have.
func StatusText(status int) string { return statusTexts[status] }
