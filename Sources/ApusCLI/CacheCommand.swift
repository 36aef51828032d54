internal import Apus
internal import ApusFormat
internal import ArgumentParser

/// `apus cache`: what was compiled before.
struct CacheCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "cache",
        abstract: "Shows or empties what was kept of programs that were compiled.",
        discussion: """
            `apus run` keeps the machine code of programs in $XDG_CACHE_HOME/apus, or in \
            ~/.cache/apus, and uses it the next time. There is at most 1 GiB of it; what was not \
            used for the longest time goes first. A program that would take more than half of \
            that is not kept.

            EXAMPLES:
              apus cache show
              apus cache show --json
              apus cache clear
            """,
        subcommands: [Show.self, Clear.self])

    /// `apus cache show`.
    struct Show: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "show", abstract: "Says where it is, and how much.")

        @Flag(help: "Print that as one JSON object: --json.")
        var json = false

        func run() throws {
            try Outcome.exiting {
                let cache = try CacheCommand.cache()
                let contents = try cache.contents()
                if json {
                    print(Self.json(cache, contents).text)
                    return 0
                }
                print("directory  " + PrintableText.path(HostText.shown(cache.directory)))
                print("modules    \(contents.modules)")
                print(
                    "size       \(ByteCount.text(contents.bytes)), at most "
                        + ByteCount.text(cache.bytesLimit))
                return 0
            }
        }

        private static func json(_ cache: Cache, _ contents: Cache.Contents) -> JSONValue {
            [
                "directory": .string(HostText.shown(cache.directory)),
                "modules": .count(contents.modules), "bytes": .integer(contents.bytes),
                "bytes_limit": .integer(cache.bytesLimit),
            ]
        }
    }

    /// `apus cache clear`.
    struct Clear: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "clear", abstract: "Removes it all.")

        func run() throws {
            try Outcome.exiting {
                try CacheCommand.cache().clear()
                return 0
            }
        }
    }

    private static func cache() throws -> Cache {
        guard let directory = CacheOption.directory else { throw NoCacheError() }
        return Cache(directory: directory)
    }
}

/// There is no place for a cache.
struct NoCacheError: Error, CustomStringConvertible {
    var description: String {
        "there is no cache: neither XDG_CACHE_HOME nor HOME is the path of a folder"
    }
}
