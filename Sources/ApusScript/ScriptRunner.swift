public import Apus
public import ApusText

/// Runs scripts of the specification's test suite and keeps count of how they go.
///
/// Each script has a store of its own. A command that needs a feature which the engine does not
/// have is skipped, and so are those that need its instance.
public struct ScriptRunner {
    /// What may be set about a run.
    public struct Options {
        public var configuration = Engine.Configuration()
        /// Whether a refusal must be in the script's words and not only of its kind.
        public var strictMessages = false

        public init() {}
    }

    /// How many assertions and other commands went which way.
    public private(set) var passed = 0
    public private(set) var failed = 0
    public private(set) var skipped = 0
    /// How many were skipped for which reason.
    public private(set) var skipReasons: [String: Int] = [:]

    let options: Options
    let engine: Engine
    var store: Store
    var linker: Linker
    private var current = State.absent
    private var named: [String: State] = [:]
    private var definitions: [String: Script.Module] = [:]
    private var lastDefinition: Script.Module?
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
        case running(Instance)
    }

    /// A runner that hands a line about each failure to `report`.
    public init(_ options: Options = Options(), report: @escaping (String) -> Void) {
        self.options = options
        self.report = report
        engine = Engine(options.configuration)
        store = Store(engine)
        linker = Linker(engine)
    }

    /// Runs all commands of `script`; `file` is its name in reports.
    public mutating func run(_ script: Script, file: String) {
        self.file = file
        store = Store(engine)
        linker = Linker(engine)
        current = .absent
        named = [:]
        definitions = [:]
        lastDefinition = nil
        missingReason = nil
        SpectestModule.define(in: &linker, engine, store)
        for command in script.commands { run(command) }
    }

    private mutating func run(_ command: Script.Command) {
        let line = command.line
        switch command.action {
        case .module(let module): define(module, line)
        case .definition(let module):
            if let name = module.name { definitions[name] = module }
            lastDefinition = module
            if let reason = refusal(of: module, line) { skip(reason) }
        case .instance(let name, let definition):
            guard var module = definition.map({ definitions[$0] }) ?? lastDefinition else {
                return fail(line, "no such definition")
            }
            module.name = name
            define(module, line)
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
        case .thread, .wait: skip("threads")
        }
    }

    // MARK: Instances

    private func state(_ name: String?) -> State { name.map { named[$0] ?? .absent } ?? current }

    /// Why a module that is to be valid cannot be had; nil if it can, or if it should but cannot.
    private mutating func refusal(of module: Script.Module, _ line: Int) -> String? {
        do {
            try Module.validate(engine, bytes: module.bytes())
        } catch {
            let failure = ScriptFailure(error)
            switch failure {
            case .unsupported(let feature): return feature
            case .limit: return "implementation limit"
            default: fail(line, "\(failure)")
            }
        }
        return nil
    }

    func instantiate(_ module: Script.Module) throws -> Instance {
        try linker.instantiate(try Module(engine, bytes: module.bytes()), in: store)
    }

    private mutating func define(_ module: Script.Module, _ line: Int) {
        do {
            current = .running(try instantiate(module))
            passed += 1
        } catch {
            switch ScriptFailure(error) {
            case .unsupported(let feature):
                current = .skipped(feature)
                skip(feature)
            case .limit:
                current = .skipped("implementation limit")
                skip("implementation limit")
            case .unlinkable(let text):
                if let missingReason {
                    current = .skipped(missingReason)
                    skip(missingReason)
                } else {
                    current = .failed
                    fail(line, text)
                }
            case let failure:
                current = .failed
                fail(line, "\(failure)")
            }
        }
        if let name = module.name { named[name] = current }
    }

    private mutating func register(_ name: String, _ state: State, _ line: Int) {
        switch state {
        case .running(let instance):
            do {
                try linker.define(name, instance)
            } catch {
                fail(line, "\(error)")
            }
        case .skipped(let reason): missingReason = reason
        case .failed: missingReason = "an instance that failed"
        case .absent: fail(line, "no instance to register")
        }
    }

    // MARK: Actions

    /// The results of `action`; nil if it is skipped or cannot be done, which has been counted
    /// then.
    private mutating func perform(_ action: Script.Action, _ line: Int) throws -> [Value]? {
        switch state(action.instance) {
        case .absent: fail(line, "no instance")
        case .failed: skip("an instance that failed")
        case .skipped(let reason): skip(reason)
        case .running(let instance):
            guard let constants = action.arguments else {
                return [try instance.global(action.name).value]
            }
            let arguments = constants.compactMap { Value($0) }
            guard arguments.count == constants.count else {
                skip("values of a type that the API does not have")
                return nil
            }
            return try instance.function(action.name).call(arguments)
        }
        return nil
    }

    private mutating func expect(
        _ action: Script.Action, _ patterns: [Script.Pattern], _ line: Int,
        checksResults: Bool = true
    ) {
        do {
            guard let results = try perform(action, line) else { return }
            guard checksResults else { return passed += 1 }
            let agrees =
                results.count == patterns.count
                && zip(patterns, results).allSatisfy { $0.matches($1) }
            if agrees { return passed += 1 }
            let found = results.map(\.scriptDescription).joined(separator: ", ")
            let wanted = patterns.map { "\($0)" }.joined(separator: ", ")
            fail(line, "\(action.name) returned [\(found)], expected [\(wanted)]")
        } catch {
            fail(line, "\(action.name): \(ScriptFailure(error))")
        }
    }

    private mutating func expectTrap(_ action: Script.Action, _ text: String, _ line: Int) {
        do {
            guard let results = try perform(action, line) else { return }
            let found = results.map(\.scriptDescription).joined(separator: ", ")
            fail(line, "\(action.name) returned [\(found)], expected the trap “\(text)”")
        } catch {
            expectTrap(ScriptFailure(error), text, line)
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
        do {
            guard try perform(action, line) != nil else { return }
            fail(line, "\(action.name) returned, expected an exception")
        } catch {
            fail(line, "\(action.name): \(ScriptFailure(error)), expected an exception")
        }
    }

    // MARK: Refusals

    private mutating func expectTrap(_ module: Script.Module, _ text: String, _ line: Int) {
        do {
            _ = try instantiate(module)
            fail(line, "instantiated, expected the trap “\(text)”")
        } catch {
            let failure = ScriptFailure(error)
            if skips(failure) { return }
            expectTrap(failure, text, line)
        }
    }

    /// Counts what failed for want of a feature as skipped.
    private mutating func skips(_ failure: ScriptFailure) -> Bool {
        if case .unsupported(let feature) = failure {
            skip(feature)
            return true
        }
        if case .unlinkable = failure, let missingReason {
            skip(missingReason)
            return true
        }
        return false
    }

    private mutating func expectInvalid(_ module: Script.Module, _ text: String, _ line: Int) {
        do {
            try Module.validate(engine, bytes: module.bytes())
            fail(line, "valid, expected “\(text)”")
        } catch {
            switch ScriptFailure(error) {
            case .invalid(let found): compare(found, text, line)
            case .limit: passed += 1
            case let failure:
                if !skips(failure) { fail(line, "\(failure), expected invalid: “\(text)”") }
            }
        }
    }

    private mutating func expectMalformed(_ module: Script.Module, _ text: String, _ line: Int) {
        do {
            try Module.validate(engine, bytes: module.bytes())
            fail(line, "well-formed, expected “\(text)”")
        } catch {
            switch ScriptFailure(error) {
            case .malformed(let found): compare(found, text, line)
            case .limit: passed += 1
            case let failure:
                if !skips(failure) { fail(line, "\(failure), expected malformed: “\(text)”") }
            }
        }
    }

    private mutating func expectUnlinkable(_ module: Script.Module, _ text: String, _ line: Int) {
        do {
            _ = try instantiate(module)
            fail(line, "linked, expected “\(text)”")
        } catch {
            let failure = ScriptFailure(error)
            if case .unlinkable(let found) = failure, missingReason == nil {
                return compare(found, text, line)
            }
            if !skips(failure) { fail(line, "\(failure), expected unlinkable: “\(text)”") }
        }
    }

    /// Custom sections that make no sense may be ignored; annotations must be read.
    private mutating func expectCustomRefusal(_ module: Script.Module, _ line: Int) {
        do {
            _ = try module.bytes()
            if case .binary = module.form { passed += 1 } else { fail(line, "accepted") }
        } catch {
            passed += 1
        }
    }

    // MARK: Keeping count

    /// One text begins with the other, as with the reference interpreter's own tests.
    private static func agree(_ found: String, _ expected: String) -> Bool {
        found.hasPrefix(expected) || expected.hasPrefix(found)
    }

    private mutating func compare(_ found: String, _ expected: String, _ line: Int) {
        if options.strictMessages, !found.contains(expected), !expected.hasPrefix(found) {
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
        report("\(file):\(line): \(message)")
    }
}
