#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

extension Errno {
    /// What the last call of the operating system in this thread left.
    static var last: Errno { Errno(host: errno) }

    /// The host's error number `host`; `io` for those the WASI has no name for.
    init(host: Int32) {
        self =
            switch host {
            case 0: .success
            case E2BIG: .tooBig
            case EACCES: .acces
            case EAGAIN: .again
            case EALREADY: .already
            case EBADF: .badf
            case EBUSY: .busy
            case ECHILD: .child
            case EDEADLK: .deadlk
            case EDOM: .dom
            case EDQUOT: .dquot
            case EEXIST: .exist
            case EFAULT: .fault
            case EFBIG: .fbig
            case EILSEQ: .ilseq
            case EINPROGRESS: .inprogress
            case EINTR: .intr
            case EINVAL: .inval
            case EISDIR: .isdir
            case ELOOP: .loop
            case EMFILE: .mfile
            case EMLINK: .mlink
            case ENAMETOOLONG: .nametoolong
            case ENFILE: .nfile
            case ENODEV: .nodev
            case ENOENT: .noent
            case ENOLCK: .nolck
            case ENOMEM: .nomem
            case ENOSPC: .nospc
            case ENOSYS: .nosys
            case ENOTDIR: .notdir
            case ENOTEMPTY: .notempty
            case ENOTSUP, EOPNOTSUPP: .notsup
            case ENOTTY: .notty
            case ENXIO: .nxio
            case EOVERFLOW: .overflow
            case EPERM: .perm
            case EPIPE: .pipe
            case ERANGE: .range
            case EROFS: .rofs
            case ESPIPE: .spipe
            case ESRCH: .srch
            case ESTALE: .stale
            case ETIMEDOUT: .timedout
            case ETXTBSY: .txtbsy
            case EXDEV: .xdev
            default: Errno(hostSocket: host)
            }
    }

    private init(hostSocket host: Int32) {
        self =
            switch host {
            case EADDRINUSE: .addrinuse
            case EADDRNOTAVAIL: .addrnotavail
            case EAFNOSUPPORT: .afnosupport
            case EBADMSG: .badmsg
            case ECANCELED: .canceled
            case ECONNABORTED: .connaborted
            case ECONNREFUSED: .connrefused
            case ECONNRESET: .connreset
            case EDESTADDRREQ: .destaddrreq
            case EHOSTUNREACH: .hostunreach
            case EISCONN: .isconn
            case EMSGSIZE: .msgsize
            case ENETDOWN: .netdown
            case ENETRESET: .netreset
            case ENETUNREACH: .netunreach
            case ENOBUFS: .nobufs
            case ENOPROTOOPT: .noprotoopt
            case ENOTCONN: .notconn
            case ENOTSOCK: .notsock
            case EPROTO: .proto
            case EPROTONOSUPPORT: .protonosupport
            case EPROTOTYPE: .prototype
            default: .io
            }
    }
}
