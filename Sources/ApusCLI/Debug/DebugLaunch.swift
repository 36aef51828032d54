internal import Apus
internal import ApusWASI

/// Which program is to be debugged, and what it is given.
struct DebugLaunch: Sendable {
    /// The module, as the command line has it; nil: it is yet to be said.
    var module: String?
    /// The export to call in place of the program; `arguments` are its.
    var invoke: String?
    var arguments: [String] = []
    var grants = Grants()
    var linking = Linking()
    /// What it reads.
    var input = Input.empty
    var features = Engine.Configuration().features
    var stopsOnEntry = false
    /// False: it just runs, whatever it would stop for.
    var isDebugged = true
    /// What paths of sources begin with in the module, and what they begin with here.
    var sourceMap: [(there: String, here: String)] = []

    /// Where the program's input comes from.
    enum Input: Sendable {
        case empty
        /// That of the command, if the client is elsewhere.
        case inherited
        /// The file at this path.
        case file(String)

        func opened() throws -> WASI.Input {
            switch self {
            case .empty: return .empty
            case .inherited: return .inherit
            case .file(let path):
                let descriptor = try HostProcess.open(path)
                return .stream { HostProcess.read(descriptor, upTo: $0) ?? [] }
            }
        }
    }

    /// Takes what a client says as well.
    mutating func take(_ arguments: JSON) throws {
        if let program = arguments["program"]?.string { module = program }
        if let name = arguments["invoke"] { invoke = try Self.text(name, "invoke") }
        if let list = arguments["args"]?.array {
            self.arguments = try list.map { try Self.text($0, "args") }
        }
        stopsOnEntry = arguments["stopOnEntry"]?.boolean ?? stopsOnEntry
        isDebugged = arguments["noDebug"]?.boolean != true
        if let path = arguments["stdin"]?.string { input = .file(path) }
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
        try takeLinking(arguments)
        for (there, here) in arguments["sourceMap"]?.members ?? [] {
            sourceMap.append((there, try Self.text(here, "sourceMap")))
        }
    }

    private mutating func takeLinking(_ arguments: JSON) throws {
        for item in arguments["preload"]?.array ?? [] {
            let text = try Self.text(item, "preload")
            guard let preload = Preload(argument: text) else {
                throw DebugRequestError("preload: '\(text)' is no NAME=MODULE")
            }
            linking.preloads.append(preload)
        }
        guard let value = arguments["unknownImports"] else { return }
        let text = try Self.text(value, "unknownImports")
        guard let known = UnknownImports(rawValue: text) else {
            throw DebugRequestError("unknownImports: '\(text)' is none of refuse, trap, default")
        }
        linking.unknownImports = known
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
