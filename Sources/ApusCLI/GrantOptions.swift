internal import ArgumentParser

/// The options by which a program is given things.
struct GrantOptions: ParsableArguments {
    @Option(
        name: .customLong("dir"),
        help: ArgumentHelp(
            "A folder the program may use, and the name it has for it: --dir docs::/docs:ro.",
            discussion: """
                Without ::GUEST the program uses the same path. With :ro it may only read, with \
                :rw, or neither, write too.
                """,
            valueName: "HOST[::GUEST][:ro]"),
        completion: .directory)
    var directories: [Preopen] = []

    @Option(
        name: .customLong("env"),
        help: ArgumentHelp(
            "A variable of the program's environment: --env LANG=C.",
            discussion: "Without =VALUE it is the one that this process has, if it has it.",
            valueName: "KEY[=VALUE]"))
    var variables: [Variable] = []

    @Flag(help: "Hand over all variables of this process: --inherit-env; --env comes on top.")
    var inheritEnv = false

    @Option(
        name: .customLong("tcplisten"),
        help: ArgumentHelp(
            "A socket that listens on ADDRESS: --tcplisten 127.0.0.1:8080.",
            discussion: """
                ADDRESS is in numbers, or localhost. The program finds the socket as a descriptor \
                behind those of its folders, the first of which is 3, and accepts connections \
                with sock_accept. Port 0 stands for any that is free; which one is said on the \
                error output.
                """,
            valueName: "ADDRESS"))
    var sockets: [ListeningSocket] = []

    /// Folders and variables once more, as a command line has them.
    var arguments: [String] {
        directories.map { "--dir=" + $0.argument } + variables.map { "--env=" + $0.argument }
            + (inheritEnv ? ["--inherit-env"] : [])
    }

    /// What the options say.
    var chosen: Grants {
        Grants(
            directories: directories, variables: variables, inheritsEnvironment: inheritEnv,
            sockets: sockets)
    }
}
