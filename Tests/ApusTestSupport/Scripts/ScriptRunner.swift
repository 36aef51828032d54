public import Foundation

/// Runs a converted script of the specification's test suite on an engine.
public struct ScriptRunner<Engine: ScriptEngine> {
    private let engine: Engine
    private let folder: URL
    private var named: [String: State] = [:]
    private var current = State.absent
    private var definitions: [String: [UInt8]] = [:]
    /// Whether a module that others may import from was refused: why.
    private var missing: String?
    private var report = ScriptReport()

    private enum State {
        case absent
        case refused(String)
        case running(Engine.Instance)
    }

    private init(_ engine: Engine, _ folder: URL) {
        self.engine = engine
        self.folder = folder
    }

    /// Runs all commands of `script`, whose modules lie beside it.
    public static func run(_ script: URL, on engine: Engine) throws -> ScriptReport {
        var runner = ScriptRunner(engine, script.deletingLastPathComponent())
        engine.register(try engine.instantiate(SpectestModule.bytes), as: "spectest")
        for command in try ScriptCommand.read(script) { runner.run(command) }
        return runner.report
    }

    private mutating func run(_ command: ScriptCommand) {
        switch command.type {
        case "module": define(command)
        case "module_definition":
            definitions[command.name ?? ""] = bytes(command)
        case "module_instance":
            guard let bytes = definitions[command.module ?? ""] else { return skip("text module") }
            define(bytes, named: command.instance, command)
        case "register":
            switch state(command.name) {
            case .running(let instance):
                engine.register(instance, as: command.registeredName ?? "")
            case .refused(let reason): missing = reason
            case .absent: break
            }
        case "assert_return", "action": expectResults(command)
        case "assert_trap", "assert_exhaustion": expectTrap(command)
        case "assert_exception": skip("exception-handling")
        case "assert_invalid", "assert_malformed": expectRefusal(command)
        case "assert_unlinkable", "assert_uninstantiable": expectFailedStart(command)
        default: fail(command, "unknown command")
        }
    }

    // MARK: Modules

    private func bytes(_ command: ScriptCommand) -> [UInt8]? {
        let isText = command.moduleType == "text"
        guard let name = isText ? command.binaryFilename : command.filename,
            let data = try? Data(contentsOf: folder.appending(path: name))
        else { return nil }
        return Array(data)
    }

    private func state(_ name: String?) -> State { name.map { named[$0] ?? .absent } ?? current }

    private mutating func define(_ command: ScriptCommand) {
        guard let bytes = bytes(command) else {
            current = .refused("text module")
            if let name = command.name { named[name] = current }
            return skip("text module")
        }
        define(bytes, named: command.name, command)
    }

    private mutating func define(_ bytes: [UInt8], named name: String?, _ command: ScriptCommand) {
        do throws(ScriptFailure) {
            current = .running(try engine.instantiate(bytes))
            report.passed += 1
        } catch .unsupported(let feature) {
            current = .refused(feature)
            skip(feature)
        } catch .unlinkable(let reason) {
            current = .refused(missing ?? reason)
            if let missing { skip(missing) } else { fail(command, "unlinkable: \(reason)") }
        } catch {
            current = .refused("failed module")
            fail(command, "\(error)")
        }
        if let name { named[name] = current }
    }

    // MARK: Actions

    /// Does what the command's action says. Nil if that is to be skipped.
    private mutating func perform(
        _ command: ScriptCommand
    ) throws(ScriptFailure) -> [ReferenceValue]? {
        guard let action = command.action else { throw .other("no action") }
        switch state(action.module) {
        case .absent: throw .other("no module")
        case .refused(let reason):
            skip(reason)
            return nil
        case .running(let instance):
            if action.type == "get" { return [try engine.global(instance, action.field)] }
            let arguments = (action.args ?? []).compactMap(\.argument)
            guard arguments.count == action.args?.count ?? 0 else {
                skip("unknown kind of value")
                return nil
            }
            return try engine.invoke(instance, action.field, arguments)
        }
    }

    private mutating func expectResults(_ command: ScriptCommand) {
        do throws(ScriptFailure) {
            guard let results = try perform(command) else { return }
            let expected = command.expected ?? []
            guard command.type != "action" else { return report.passed += 1 }
            let verdicts = zip(expected, results).map { $0.matches($1) }
            if verdicts.contains(nil) { return skip("unknown kind of value") }
            if results.count == expected.count && verdicts.allSatisfy({ $0 == true }) {
                report.passed += 1
            } else {
                let wanted = expected.map { "\($0.type):\($0.value ?? "any")" }
                fail(command, "got \(results), expected \(wanted)")
            }
        } catch {
            fail(command, "\(error)")
        }
    }

    private mutating func expectTrap(_ command: ScriptCommand) {
        do throws(ScriptFailure) {
            guard let results = try perform(command) else { return }
            fail(command, "got \(results), expected a trap: \(command.text ?? "")")
        } catch .trap(let text) {
            expect(text, for: command, isExact: true)
        } catch {
            fail(command, "\(error)")
        }
    }

    // MARK: Refusals

    private mutating func expectRefusal(_ command: ScriptCommand) {
        guard let bytes = bytes(command) else { return skip("text module") }
        let isMalformed = command.type == "assert_malformed"
        do throws(ScriptFailure) {
            try engine.check(bytes)
            fail(command, "accepted, expected: \(command.text ?? "")")
        } catch {
            switch error {
            case .malformed(let text) where isMalformed: expect(text, for: command, isExact: false)
            case .invalid(let text) where !isMalformed: expect(text, for: command, isExact: false)
            case .limit: report.passed += 1
            case .unsupported(let feature): skip(feature)
            default: fail(command, "\(error), expected: \(command.text ?? "")")
            }
        }
    }

    private mutating func expectFailedStart(_ command: ScriptCommand) {
        guard let bytes = bytes(command) else { return skip("text module") }
        let mayTrap = command.type == "assert_uninstantiable"
        do throws(ScriptFailure) {
            _ = try engine.instantiate(bytes)
            fail(command, "instantiated, expected: \(command.text ?? "")")
        } catch {
            switch error {
            case .trap(let text) where mayTrap: expect(text, for: command, isExact: true)
            case .unlinkable(let text) where !mayTrap:
                expect(text, for: command, isExact: false)
            case .unsupported(let feature): skip(feature)
            default:
                if let missing { return skip(missing) }
                fail(command, "\(error), expected: \(command.text ?? "")")
            }
        }
    }

    // MARK: Keeping count

    /// The suite's texts are beginnings of ours or ours of theirs. Traps must agree; in what words
    /// a module is refused is only noted.
    private mutating func expect(_ text: String, for command: ScriptCommand, isExact: Bool) {
        let expected = command.text ?? ""
        let agrees = text.hasPrefix(expected) || expected.hasPrefix(text)
        if !agrees && isExact { return fail(command, "got “\(text)”, expected “\(expected)”") }
        if !agrees { report.differentTexts.append("\(command.line): “\(text)”, not “\(expected)”") }
        report.passed += 1
    }

    private mutating func skip(_ reason: String) { report.skipped[reason, default: 0] += 1 }

    private mutating func fail(_ command: ScriptCommand, _ message: String) {
        let field = command.action.map { " \($0.field)" } ?? ""
        report.failures.append("line \(command.line), \(command.type)\(field): \(message)")
    }
}

/// How a script went.
public struct ScriptReport: Sendable {
    public var passed = 0
    /// Commands that need what the engine does not have, by reason.
    public var skipped: [String: Int] = [:]
    public var failures: [String] = []
    /// Modules refused for the right kind of reason, but in other words than the suite's.
    public var differentTexts: [String] = []

    public init() {}
}
