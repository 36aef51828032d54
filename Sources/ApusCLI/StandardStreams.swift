#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// The command's input, output and error output.
enum StandardStreams {
    /// Puts `/dev/null` in place of those that whoever started the command has closed. What is
    /// opened next would get their numbers otherwise: a folder that a program may use would be its
    /// input, and a report about it would be written into one of its files. It is opened for what
    /// such a stream is not used for, so that who uses it learns that it is not there.
    static func complete() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
            // The lowest number that is free is this one: those below are open by now.
            let flags = descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY
            // SAFETY: the path is a constant, which ends with a zero.
            let opened = unsafe open("/dev/null", flags)
            // There is nothing left to say it with.
            if opened != descriptor { exit(1) }
        }
    }
}
