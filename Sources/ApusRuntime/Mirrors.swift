internal import ApusFormat

// What `dump`, `String(reflecting:)` and tools of tests see of objects that others hold: what each
// is, not what it leads to. Without this they would walk from a trap to the whole engine, which
// takes long, and would read what other threads change meanwhile, without their locks.

extension LoadedModule: CustomReflectable {
    /// How large it is.
    public var customMirror: Mirror {
        Mirror(
            self,
            children: ["functionCount": module.functions.count, "codeBytes": codeBytes],
            displayStyle: .class)
    }
}

extension RuntimeEnvironment: CustomReflectable {
    /// How it was set up.
    public var customMirror: Mirror {
        Mirror(self, children: ["configuration": configuration], displayStyle: .class)
    }
}

extension RuntimeStore: CustomReflectable {
    /// Which one it is.
    public var customMirror: Mirror {
        Mirror(self, children: ["number": number], displayStyle: .class)
    }
}

extension InstanceState: CustomReflectable {
    /// How far it has come.
    public var customMirror: Mirror {
        Mirror(self, children: ["phase": phase], displayStyle: .class)
    }
}

extension LinearMemory: CustomReflectable {
    /// Its type; how large it is stands in a record that may go before it.
    public var customMirror: Mirror {
        Mirror(self, children: ["type": type], displayStyle: .class)
    }
}

extension ReferenceTable: CustomReflectable {
    /// Its type; how large it is stands in a record that may go before it.
    public var customMirror: Mirror {
        Mirror(self, children: ["type": type], displayStyle: .class)
    }
}

extension GlobalCell: CustomReflectable {
    /// Its type.
    public var customMirror: Mirror {
        Mirror(self, children: ["type": type], displayStyle: .class)
    }
}

extension ExceptionTag: CustomReflectable {
    /// What its exceptions carry.
    public var customMirror: Mirror {
        Mirror(self, children: ["parameters": type.parameters], displayStyle: .class)
    }
}

extension ThrownException: CustomReflectable {
    /// Its kind, and how deep in guests it was thrown.
    public var customMirror: Mirror {
        Mirror(
            self, children: ["tag": tag, "frameCount": origin?.frames.count ?? 0],
            displayStyle: .class)
    }
}

extension StopControl: CustomReflectable {
    /// Nothing: debuggers change it from any thread.
    public var customMirror: Mirror { Mirror(self, children: [:], displayStyle: .class) }
}

extension WasmTrap: CustomReflectable {
    /// What happened, and how deep in guests.
    public var customMirror: Mirror {
        Mirror(
            self,
            children: [
                "code": code, "interruption": interruption as Any, "limit": limit as Any,
                "frameCount": backtrace.frames.count,
            ], displayStyle: .struct)
    }
}
