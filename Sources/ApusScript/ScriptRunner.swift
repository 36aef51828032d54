internal import ApusFormat
public import ApusText

/// Runs scripts of the specification's test suite and keeps count of how they go.
///
/// A command that needs a feature which the engine does not have is skipped, and so are those that
/// need its instance. Threads run one after the other.
public struct ScriptRunner<Engine: ScriptEngine> {
    /// Whether a refusal must be in the script's words and not only of its kind.
    public var strictMessages = false

    /// How many assertions and other commands went which way.
    public private(set) var passed = 0
    public private(set) var failed = 0
    public private(set) var skipped = 0
    /// How many were skipped for which reason.
    public private(set) var skipReasons: [String: Int] = [:]

    private var engine: Engine
    private var current = State.absent
    private var named: [ExactName: State] = [:]
    /// All that the script has defined, and which of them are meant by their names.
    private var definitions: [Definition] = []
    private var namedDefinitions: [ExactName: Int] = [:]
    private var lastDefinition: Int?
    /// Threads that nobody has waited for.
    private var threads: Set<ExactName> = []
    /// Why an instance that others import from is missing.
    private var missingReason: String?
    private var file = ""
    private let report: (String) -> Void

    enum State {
        case absent
        /// Not there, for this reason.
        case skipped(String)
        /// Not there, for it failed; that has been counted.
        case failed
        case running(Engine.Instance)
    }

    /// A module that instances are made of, compiled when the first one is.
    private struct Definition {
        let module: Script.Module
        var compiled: Result<Engine.Module, ScriptFailure>?
    }

    /// A runner that hands a line about each failure to `report`.
    public init(_ engine: Engine, report: @escaping (String) -> Void) {
        self.engine = engine
        self.report = report
    }

    /// Runs all commands of `script`; `file` is its name in reports.
    public mutating func run(_ script: Script, file: String) {
        self.file = file
        engine.beginScript()
        current = .absent
        named = [:]
        definitions = []
        namedDefinitions = [:]
        lastDefinition = nil
        threads = []
        missingReason = nil
        SpectestModule.register(in: &engine)
        for command in script.commands { run(command) }
    }

    private mutating func run(_ command: Script.Command) {
        let line = command.line
        switch command.action {
        case .module(let module):
            define(module.name, line) { (runner: inout Self) throws(ScriptFailure) in
                try runner.instantiate(module)
            }
        case .definition(let module): remember(module, line)
        case .instance(let name, let definition):
            let known = definition.map { namedDefinitions[ExactName($0)] } ?? lastDefinition
            guard let known else { return fail(line, "no such definition") }
            define(name, line) { (runner: inout Self) throws(ScriptFailure) in
                try runner.engine.instantiate(try runner.compiled(known))
            }
        case .register(let name, let instance): register(name, state(instance), line)
        case .action(let action): expect(action, [], line, checksResults: false)
        case .assertReturn(let action, let patterns): expect(action, patterns, line)
        case .assertTrap(let action, let text), .assertExhaustion(let action, let text):
            expectTrap(action, text, line)
        case .assertModuleTrap(let module, let text): expectTrap(module, text, line)
        case .assertException(let action): expectException(action, line)
        case .assertInvalid(let module, let text): expectInvalid(module, text, line)
        case .assertMalformed(let module, let text): expectMalformed(module, text, line)
        case .assertUnlinkable(let module, let text): expectUnlinkable(module, text, line)
        case .assertInvalidCustom(let module, _), .assertMalformedCustom(let module, _):
            expectCustomRefusal(module, line)
        case .thread(let name, let shared, let commands): runThread(name, shared, commands, line)
        case .wait(let name):
            if threads.remove(ExactName(name)) == nil { fail(line, "no such thread") }
        }
    }

    /// Runs a thread from its beginning to its end, at once: of the orders in which the script's
    /// threads may go on this is one. It sees of the others' instances only what is shared, and
    /// what it registers is its own.
    private mutating func runThread(
        _ name: String, _ shared: [String], _ commands: [Script.Command], _ line: Int
    ) {
        let outside = (engine, current, named, namedDefinitions, lastDefinition, missingReason)
        current = .absent
        named = [:]
        for module in shared {
            guard let state = outside.2[ExactName(module)] else {
                fail(line, "no instance \(module) to share")
                continue
            }
            named[ExactName(module)] = state
            current = state
        }
        for command in commands { run(command) }
        (engine, current, named, namedDefinitions, lastDefinition, missingReason) = outside
        threads.insert(ExactName(name))
    }

    // MARK: Instances

    private func state(_ name: String?) -> State {
        name.map { named[ExactName($0)] ?? .absent } ?? current
    }

    private static func bytes(_ module: Script.Module) throws(ScriptFailure) -> [UInt8] {
        do throws(TextError) {
            return try module.bytes()
        } catch {
            throw .malformed(error.message)
        }
    }

    private func validate(_ module: Script.Module) throws(ScriptFailure) {
        try engine.validate(try Self.bytes(module))
    }

    private mutating func instantiate(
        _ module: Script.Module
    ) throws(ScriptFailure) -> Engine.Instance {
        try engine.instantiate(try engine.compile(try Self.bytes(module)))
    }

    /// The module that was defined, which is compiled once.
    private mutating func compiled(_ definition: Int) throws(ScriptFailure) -> Engine.Module {
        if let compiled = definitions[definition].compiled { return try compiled.get() }
        do throws(ScriptFailure) {
            let module = try engine.compile(try Self.bytes(definitions[definition].module))
            definitions[definition].compiled = .success(module)
            return module
        } catch {
            definitions[definition].compiled = .failure(error)
            throw error
        }
    }

    /// Remembers `module` for instances, which it must be fit for.
    private mutating func remember(_ module: Script.Module, _ line: Int) {
        if let name = module.name { namedDefinitions[ExactName(name)] = definitions.count }
        lastDefinition = definitions.count
        definitions.append(Definition(module: module))
        do throws(ScriptFailure) {
            try validate(module)
        } catch {
            if !skips(error) { fail(line, "\(error)") }
        }
    }

    /// What `make` makes is the present instance from now on, and has this name.
    private mutating func define(
        _ name: String?, _ line: Int,
        _ make: (inout Self) throws(ScriptFailure) -> Engine.Instance
    ) {
        do throws(ScriptFailure) {
            current = .running(try make(&self))
            passed += 1
        } catch {
            if let reason = skipReason(error) {
                current = .skipped(reason)
                skip(reason)
            } else {
                current = .failed
                fail(line, "\(error)")
            }
        }
        if let name { named[ExactName(name)] = current }
    }

    private mutating func register(_ name: String, _ state: State, _ line: Int) {
        switch state {
        case .running(let instance):
            do throws(ScriptFailure) {
                try engine.register(instance, as: name)
            } catch {
                fail(line, "\(error)")
            }
        case .skipped(let reason): missingReason = reason
        case .failed: missingReason = Self.failedInstance
        case .absent: fail(line, "no instance to register")
        }
    }

    private static var failedInstance: String { "an instance that failed" }

    // MARK: Actions

    /// The results of `action`; nil if it is skipped or cannot be done, which has been counted
    /// then.
    private mutating func perform(
        _ action: Script.Action, _ line: Int
    ) throws(ScriptFailure) -> [ScriptValue]? {
        switch state(action.instance) {
        case .absent: fail(line, "no instance")
        case .failed: skip(Self.failedInstance)
        case .skipped(let reason): skip(reason)
        case .running where !engine.runsInstances: skip(Self.execution)
        case .running(let instance):
            do throws(ScriptFailure) {
                guard let constants = action.arguments else {
                    return [try engine.global(instance, action.name)]
                }
                return try engine.call(instance, action.name, constants.map { ScriptValue($0) })
            } catch {
                if !skips(error) { throw error }
            }
        }
        return nil
    }

    private mutating func expect(
        _ action: Script.Action, _ patterns: [Script.Pattern], _ line: Int,
        checksResults: Bool = true
    ) {
        do throws(ScriptFailure) {
            guard let results = try perform(action, line) else { return }
            guard checksResults else { return passed += 1 }
            let agrees =
                results.count == patterns.count
                && zip(patterns, results).allSatisfy { $0.matches($1) }
            if agrees { return passed += 1 }
            let wanted = patterns.map(\.text).joined(separator: ", ")
            fail(line, "\(action.name) returned \(results), expected [\(wanted)]")
        } catch {
            fail(line, "\(action.name): \(error)")
        }
    }

    private mutating func expectTrap(_ action: Script.Action, _ text: String, _ line: Int) {
        do throws(ScriptFailure) {
            guard let results = try perform(action, line) else { return }
            fail(line, "\(action.name) returned \(results), expected the trap “\(text)”")
        } catch {
            expectTrap(error, text, line)
        }
    }

    private mutating func expectTrap(_ failure: ScriptFailure, _ text: String, _ line: Int) {
        guard case .trap(let found) = failure else {
            return fail(line, "\(failure), expected the trap “\(text)”")
        }
        guard Self.agree(found, text) else {
            return fail(line, "trapped with “\(found)”, expected “\(text)”")
        }
        passed += 1
    }

    private mutating func expectException(_ action: Script.Action, _ line: Int) {
        do throws(ScriptFailure) {
            guard try perform(action, line) != nil else { return }
            fail(line, "\(action.name) returned, expected an exception")
        } catch {
            if case .exception = error { return passed += 1 }
            fail(line, "\(action.name): \(error), expected an exception")
        }
    }

    // MARK: Refusals

    private mutating func expectTrap(_ module: Script.Module, _ text: String, _ line: Int) {
        guard engine.runsInstances else { return skip(Self.execution) }
        do throws(ScriptFailure) {
            _ = try instantiate(module)
            fail(line, "instantiated, expected the trap “\(text)”")
        } catch {
            if !skips(error) { expectTrap(error, text, line) }
        }
    }

    private mutating func expectInvalid(_ module: Script.Module, _ text: String, _ line: Int) {
        do throws(ScriptFailure) {
            try validate(module)
            fail(line, "valid, expected “\(text)”")
        } catch {
            switch error {
            case .invalid(let found): compare(found, text, line)
            case .limit: passed += 1
            default: if !skips(error) { fail(line, "\(error), expected invalid: “\(text)”") }
            }
        }
    }

    private mutating func expectMalformed(_ module: Script.Module, _ text: String, _ line: Int) {
        do throws(ScriptFailure) {
            try validate(module)
            fail(line, "well-formed, expected “\(text)”")
        } catch {
            switch error {
            case .malformed(let found): compare(found, text, line)
            case .limit: passed += 1
            default: if !skips(error) { fail(line, "\(error), expected malformed: “\(text)”") }
            }
        }
    }

    private mutating func expectUnlinkable(_ module: Script.Module, _ text: String, _ line: Int) {
        guard engine.runsInstances else { return skip(Self.execution) }
        do throws(ScriptFailure) {
            _ = try instantiate(module)
            fail(line, "linked, expected “\(text)”")
        } catch {
            if case .unlinkable(let found) = error, missingReason == nil {
                return compare(found, text, line)
            }
            if !skips(error) { fail(line, "\(error), expected unlinkable: “\(text)”") }
        }
    }

    /// Custom sections that make no sense may be ignored; annotations must be read.
    private mutating func expectCustomRefusal(_ module: Script.Module, _ line: Int) {
        do throws(ScriptFailure) {
            _ = try Self.bytes(module)
            if case .binary = module.form { passed += 1 } else { fail(line, "accepted") }
        } catch {
            passed += 1
        }
    }

    // MARK: Keeping count

    /// The reason why nothing runs.
    private static var execution: String { "execution" }

    /// Why a command need not succeed, having failed like this; nil if it must.
    private func skipReason(_ failure: ScriptFailure) -> String? {
        switch failure {
        case .unsupported(let feature): feature
        case .limit: "implementation limit"
        case .unlinkable: missingReason
        case .malformed, .invalid, .trap, .exception, .other: nil
        }
    }

    /// Counts what failed for want of a feature as skipped.
    private mutating func skips(_ failure: ScriptFailure) -> Bool {
        guard let reason = skipReason(failure) else { return false }
        skip(reason)
        return true
    }

    /// One text begins with the other, as with the reference interpreter's own tests.
    private static func agree(_ found: String, _ expected: String) -> Bool {
        found.hasPrefix(expected) || expected.hasPrefix(found)
    }

    private mutating func compare(_ found: String, _ expected: String, _ line: Int) {
        if strictMessages, !found.contains(expected), !expected.hasPrefix(found) {
            return fail(line, "refused with “\(found)”, expected “\(expected)”")
        }
        passed += 1
    }

    private mutating func skip(_ reason: String) {
        skipped += 1
        skipReasons[reason, default: 0] += 1
    }

    private mutating func fail(_ line: Int, _ message: String) {
        failed += 1
        report("\(PrintableText.path(file)):\(line): \(PrintableText.line(message))")
    }
}
