/// Why a function of the WASI failed: `errno` of preview 1, with its names.
enum Errno: UInt16, Error, CaseIterable {
    case success = 0
    case tooBig, acces, addrinuse, addrnotavail, afnosupport, again, already, badf, badmsg, busy
    case canceled, child, connaborted, connrefused, connreset, deadlk, destaddrreq, dom, dquot
    case exist, fault, fbig, hostunreach, idrm, ilseq, inprogress, intr, inval, io, isconn, isdir
    case loop, mfile, mlink, msgsize, multihop, nametoolong, netdown, netreset, netunreach, nfile
    case nobufs, nodev, noent, noexec, nolck, nolink, nomem, nomsg, noprotoopt, nospc, nosys
    case notconn, notdir, notempty, notrecoverable, notsock, notsup, notty, nxio, overflow
    case ownerdead, perm, pipe, proto, protonosupport, prototype, range, rofs, spipe, srch, stale
    case timedout, txtbsy, xdev, notcapable
}
