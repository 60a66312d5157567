package metrics

import "golang.org/x/sys/windows"

func (h Host) linkSpeed(_ string, index int) uint64 {
	row := windows.MibIfRow2{InterfaceIndex: uint32(index)}
	if windows.GetIfEntry2Ex(windows.MibIfEntryNormal, &row) != nil || row.TransmitLinkSpeed == ^uint64(0) {
		return 0
	}
	return row.TransmitLinkSpeed
}
