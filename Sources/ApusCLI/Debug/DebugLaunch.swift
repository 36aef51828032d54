/// Which program is to be debugged, and what it is given.
struct DebugLaunch {
    /// The module, as the command line has it; nil: it is yet to be said.
    var module: String?
    var arguments: [String] = []
    var grants = Grants()
    var stopsOnEntry = false
    /// What paths of sources begin with in the module, and what they begin with here.
    var sourceMap: [(there: String, here: String)] = []

    /// Takes what a client says as well.
    mutating func take(_ arguments: JSON) throws {
        if let program = arguments["program"]?.string { module = program }
        if let list = arguments["args"]?.array {
            self.arguments = try list.map { try Self.text($0, "args") }
        }
        stopsOnEntry = arguments["stopOnEntry"]?.boolean ?? stopsOnEntry
        for item in arguments["dirs"]?.array ?? [] {
            let text = try Self.text(item, "dirs")
            guard let directory = Preopen(argument: text) else {
                throw DebugRequestError("dirs: '\(text)' names no folder")
            }
            grants.directories.append(directory)
        }
        for (name, value) in arguments["env"]?.members ?? [] {
            let text = try Self.text(value, "env")
            guard let variable = Variable(argument: name + "=" + text) else {
                throw DebugRequestError("env: '\(name)' is no name of a variable")
            }
            grants.variables.append(variable)
        }
        for (there, here) in arguments["sourceMap"]?.members ?? [] {
            sourceMap.append((there, try Self.text(here, "sourceMap")))
        }
    }

    private static func text(_ value: JSON, _ what: String) throws -> String {
        guard let text = value.string else {
            throw DebugRequestError("\(what) has something else than texts")
        }
        return text
    }

    /// The path here of a source that the module calls `path`.
    func pathHere(_ path: String) -> String { Self.replacing(path, sourceMap) }

    /// What the module calls a source that is at `path` here.
    func pathThere(_ path: String) -> String {
        Self.replacing(path, sourceMap.map { ($0.here, $0.there) })
    }

    private static func replacing(_ path: String, _ map: [(String, String)]) -> String {
        for (prefix, replacement) in map where path.hasPrefix(prefix) {
            return replacement + path.dropFirst(prefix.count)
        }
        return path
    }
}
