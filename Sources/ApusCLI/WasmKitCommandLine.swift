/// The command line of `wasmkit`, which SwiftPM and scripts call to run what was compiled for WASI:
/// under that name this command takes its place.
enum WasmKitCommandLine {
    /// What a command line asks this command for, without the name it was called by.
    static func arguments(of commandLine: [String]) -> [String] {
        let arguments = Array(commandLine.dropFirst())
        guard let name = commandLine.first?.split(separator: "/").last,
            ["wasmkit", "wasmkit-cli"].contains(name), arguments.first == "run"
        else { return arguments }
        return ["run"] + translated(arguments.dropFirst())
    }

    /// The options in this command's words, the module, and what it is told.
    private static func translated(_ arguments: ArraySlice<String>) -> [String] {
        var rest = arguments
        var result: [String] = []
        while let option = rest.first, option.hasPrefix("-"), option != "-" {
            rest.removeFirst()
            if option == "--" { break }
            let (name, attached) = split(option)
            switch name {
            case "-v", "--verbose": result.append("--stats")
            // Signposts are of other systems; how it runs is this command's own affair.
            case "--enable-signpost", "--disable-signpost": break
            case "--threading-model", "--compilation-mode":
                if attached == nil { _ = rest.popFirst() }
            case "--dir", "--env", "--stack-size":
                guard let value = attached ?? rest.popFirst() else { return result + [option] }
                result += [name, value]
            default: result.append(option)
            }
        }
        guard let module = rest.popFirst() else { return result }
        let (granted, told) = behindModule(rest)
        return result + granted + [module] + told
    }

    /// What SwiftPM puts behind a test's module: folders that it may use, then `--`, then what it
    /// is told. Without the `--` all of it is the program's.
    private static func behindModule(
        _ arguments: ArraySlice<String>
    ) -> (granted: [String], told: [String]) {
        var rest = arguments
        var granted: [String] = []
        while rest.first == "--dir", rest.count >= 2 {
            granted += rest.prefix(2)
            rest.removeFirst(2)
        }
        guard rest.first == "--" else { return ([], Array(arguments)) }
        return (granted, Array(rest.dropFirst()))
    }

    private static func split(_ option: String) -> (name: String, value: String?) {
        guard let equals = option.firstIndex(of: "=") else { return (option, nil) }
        return (String(option[..<equals]), String(option[option.index(after: equals)...]))
    }

    /// The bound that `--stack-size` asks for, and no less than what this command takes: frames of
    /// compiled code are of another size than those of an interpreter.
    static func stack(_ bytes: UInt64) -> ByteCount? {
        ByteCount(argument: "\(max(bytes, 1 << 20))")
    }
}
