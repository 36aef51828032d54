internal import ArgumentParser

/// A variable of a program's environment, as `--env` gives it: `KEY=VALUE`, or `KEY` for the value
/// that this process has.
struct Variable: ExpressibleByArgument {
    var key: [UInt8]
    /// Nil: this process's own.
    var value: [UInt8]?

    init?(argument: String) {
        let bytes = HostText.bytes(argument)
        if let variable = Variable(bytes: bytes) {
            self = variable
        } else if !bytes.isEmpty, !bytes.contains(UInt8(ascii: "=")) {
            key = bytes
        } else {
            return nil
        }
    }

    /// The variable that `bytes`, with an equals sign behind its name, are.
    init?(bytes: [UInt8]) {
        guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")), equals > 0 else { return nil }
        key = Array(bytes[..<equals])
        value = Array(bytes[(equals + 1)...])
    }

    /// The same as `--env` takes it.
    var argument: String { HostText.string(key + (value.map { [UInt8(ascii: "=")] + $0 } ?? [])) }

    /// `variables` with the values they have: what has none here is left out, and what comes twice
    /// counts as it is written last.
    static func resolved(_ variables: [Variable], inheritsAll: Bool) -> [Variable] {
        let needsHost = inheritsAll || variables.contains { $0.value == nil }
        let host = needsHost ? HostProcess.environment : []
        var places: [[UInt8]: Int] = [:]
        var result: [Variable] = []
        for var variable in (inheritsAll ? host : []) + variables {
            if variable.value == nil {
                variable.value = host.first { $0.key == variable.key }?.value
            }
            if variable.value == nil { continue }
            if let place = places[variable.key] {
                result[place] = variable
            } else {
                places[variable.key] = result.count
                result.append(variable)
            }
        }
        return result
    }
}
